"""The dashboard of Attention Zoo: `streamlit run apps/dashboard.py`."""
