// Build of the reading room: plain static files, everything local, Cornerstone in its own chunk.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// `npm run dev` forwards the API to `hilum serve` on its usual port.
const server = "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  resolve: { alias: { xmlbuilder2: fileURLToPath(new URL("./src/absent.ts", import.meta.url)) } },
  worker: { format: "es" },
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 4000 },
  server: { proxy: { "/api": server } },
});
