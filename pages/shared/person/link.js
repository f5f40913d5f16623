// The address that somebody came with, kept in their tab while the provider of sign-in has it.

const KEY = "choose-your-neuron: came with";

export default function ({ data }) {
  const { pathname, search } = location;
  if (!data.isSignedIn) {
    if (search) sessionStorage.setItem(KEY, JSON.stringify({ pathname, search }));
    return;
  }
  const kept = sessionStorage.getItem(KEY);
  if (kept === null) return;
  sessionStorage.removeItem(KEY);
  const link = Object.assign(new URL(location.href), JSON.parse(kept)); // the host stays, whatever the path says
  if (link.href !== location.href) location.replace(link);
}
