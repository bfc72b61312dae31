import { fileURLToPath, URL } from 'node:url'

import vue from '@vitejs/plugin-vue'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import Components from 'unplugin-vue-components/vite'
import { defineConfig } from 'vitest/config'

/** `npm run dev` shows the sources with a running server behind them: DESK_SERVER, by default this machine's. */
const server = process.env.DESK_SERVER ?? 'http://127.0.0.1:8012'

export default defineConfig({
  plugins: [
    vue(),
    Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: 'css' })] }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: { target: 'es2022', reportCompressedSize: true, chunkSizeWarningLimit: 600 }, // the charts, loaded where shown
  server: {
    host: process.env.DESK_HOST ?? '127.0.0.1',
    proxy: { '/api': { target: server, ws: true, changeOrigin: false } },
  },
  test: { environment: 'node', include: ['tests/**/*.test.ts'] },
})
