// Sets the colours that the reader chose, if any, before anything is painted.
try {
  const chosen = localStorage.getItem('wasbox-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be blocked; use the system's colours then.
}
