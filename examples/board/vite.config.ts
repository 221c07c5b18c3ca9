import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/board/",
  plugins: [react()],
  // Pictures are files, too: the page's policy allows no data in addresses.
  build: { assetsInlineLimit: 0 },
  // While you write: what `tripgate dev` serves, beside this.
  server: { proxy: { "/graphql": { target: process.env["TRIPGATE_URL"] ?? "http://127.0.0.1:8000", ws: true } } },
});
