"""Work in threads of its own. No Streamlit here: pages only ever read what a job has come to."""
