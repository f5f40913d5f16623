"""Choose Your Neuron: the app. Sets up the page and the navigation, nothing else."""

import streamlit as st

from pages.shared import frame, style

st.set_page_config(page_title="Choose Your Neuron", page_icon="🐦", layout="wide")
style.apply()
frame.set_up()

st.navigation(
    [
        st.Page("pages/describe.py", title="1 Describe", default=True),
        st.Page("pages/importances.py", title="2 Importances"),
        st.Page("pages/train.py", title="3 Train"),
        st.Page("pages/explain.py", title="4 Explain"),
    ],
    position="top",
).run()
