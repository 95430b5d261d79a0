// One classic script and one stylesheet with fixed names: the Python side inlines both and hashes them for the CSP.
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../src/heldout/viewer/assets",
    emptyOutDir: true,
    target: "es2021",
    cssTarget: "chrome110",
    sourcemap: false,
    lib: {
      entry: "src/main.tsx",
      formats: ["iife"],
      name: "heldoutReport",
      fileName: () => "report.js",
      cssFileName: "report",
    },
  },
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
});
