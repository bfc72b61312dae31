/// <reference types="vite/client" />
declare module 'element-plus/dist/locale/zh-cn.mjs' {
  import type { Language } from 'element-plus/es/locale'
  const language: Language
  export default language
}
