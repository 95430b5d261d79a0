// Whether the page is being printed: folds open and figures take the width of the paper.
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

const Printing = createContext(false);

export function usePrinting(): boolean {
  return useContext(Printing);
}

export function PrintingProvider({ children }: { children: ComponentChildren }) {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const query = window.matchMedia("print");
    const start = () => setPrinting(true);
    const stop = () => setPrinting(query.matches);
    const change = () => setPrinting(query.matches);
    change();
    window.addEventListener("beforeprint", start);
    window.addEventListener("afterprint", stop);
    query.addEventListener("change", change);
    return () => {
      window.removeEventListener("beforeprint", start);
      window.removeEventListener("afterprint", stop);
      query.removeEventListener("change", change);
    };
  }, []);
  return <Printing.Provider value={printing}>{children}</Printing.Provider>;
}
