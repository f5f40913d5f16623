"""How we know that the explanations are true of the network."""

import streamlit as st

from pages.shared import frame

frame.ensure()
st.title("Is it faithful?")
