import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The built page is served by the backend, which reads it through importlib.resources.
export default defineConfig({
  plugins: [svelte()],
  base: "./",
  build: {
    outDir: "../backend/trapscope/assets/ui",
    emptyOutDir: true,
    target: "es2022",
    // A data: URL would need a wider Content-Security-Policy than the server sends.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/api": { target: "http://127.0.0.1:8000", ws: true } },
  },
});
