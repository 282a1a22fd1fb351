"""The pages of the dashboard, one module a page, each with a `render()`.

The folder is not called `pages`: Streamlit takes a folder of that name beside the script for its
older kind of navigation, and runs a file in it by itself for the first visitor of a deep link.
"""
