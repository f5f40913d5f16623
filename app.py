"""Choose Your Neuron: the app. Sets up the page, the navigation and the tour's bar, nothing else."""

import streamlit as st

from pages.shared import frame, style, tour

st.set_page_config(page_title="Choose Your Neuron", page_icon="🐦", layout="wide")
style.apply()
st.session_state["framed"] = True
page = frame.navigation()
tour.bar(page)
page.run()
