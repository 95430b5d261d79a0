// Light or dark: the system's choice until the reader makes one.
import { useEffect, useState } from "preact/hooks";

type Theme = "light" | "dark";

const DARK = "(prefers-color-scheme: dark)";

function system(): Theme {
  return window.matchMedia(DARK).matches ? "dark" : "light";
}

export function applySystemTheme(): void {
  document.documentElement.dataset.theme = system();
}

export function ThemeToggle() {
  const [mine, setMine] = useState<Theme | null>(null);
  const [theirs, setTheirs] = useState<Theme>(system);
  const theme = mine ?? theirs;
  useEffect(() => {
    const query = window.matchMedia(DARK);
    const follow = () => setTheirs(system());
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const other: Theme = theme === "dark" ? "light" : "dark";
  return (
    <button type="button" class="quiet theme" aria-label={`switch to ${other} colours`} onClick={() => setMine(other)}>
      {other}
    </button>
  );
}
