"""A class of thirty at one server: sessions over Streamlit's own protocol, timed, watched and checked."""
