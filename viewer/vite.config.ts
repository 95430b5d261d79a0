// Classic scripts with fixed names: `vite build` makes report.js, which the Python side inlines and hashes for the
// CSP; `vite build --mode view` makes view.js, which `heldout view` serves and copies into a static site.
import { defineConfig } from "vite";

export default defineConfig(({ mode }) => {
  const view = mode === "view";
  return {
    publicDir: false,
    build: {
      outDir: "../src/heldout/viewer/assets",
      emptyOutDir: !view,
      target: "es2021",
      cssTarget: "chrome110",
      sourcemap: false,
      lib: {
        entry: view ? "src/view/main.tsx" : "src/main.tsx",
        formats: ["iife"],
        name: view ? "heldoutView" : "heldoutReport",
        fileName: () => (view ? "view.js" : "report.js"),
        cssFileName: view ? "view" : "report",
      },
    },
    define: { "process.env.NODE_ENV": JSON.stringify("production") },
  };
});
