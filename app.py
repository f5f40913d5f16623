"""Choose Your Neuron: the app. Sets up the page and the navigation, nothing else."""

import streamlit as st

from pages.shared import frame, style
from pages.shared.jobs import tidying
from pages.shared.person import sign_in

tidying.few_arenas()
st.set_page_config(page_title="Choose Your Neuron", page_icon="🐦", layout="wide")
style.apply()
st.session_state["framed"] = True
page = frame.navigation()
sign_in.gate()
page.run()
