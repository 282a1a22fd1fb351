"""The dashboard of Attention Zoo: `streamlit run apps/dashboard.py`.

Pages are in `views`, the chapters of the Learn page in `lessons`. What the pages that look inside
share is in `lab`, what reads and draws measurements in `results`; the rest serves all of them.
"""
