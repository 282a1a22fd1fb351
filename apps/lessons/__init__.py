"""The chapters of the Learn page: a module each, with its `TITLE`, its `LESSON` and `render()`.

`render` draws the live view alone; `lesson.show` puts the words around it.
"""
