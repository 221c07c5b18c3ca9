import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import relay from "vite-plugin-relay"; // for Relay alone

export default defineConfig({ plugins: [react(), relay] });
