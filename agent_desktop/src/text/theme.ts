/** Light, dark, or as the system says; kept in the browser. */

import { ref } from 'vue'

export type Theme = 'auto' | 'light' | 'dark'

const PLACE = 'hotline.theme'
const system = window.matchMedia('(prefers-color-scheme: dark)')
const kept = localStorage.getItem(PLACE)

export const theme = ref<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto')

export function applyTheme(): void {
  const dark = theme.value === 'dark' || (theme.value === 'auto' && system.matches)
  document.documentElement.classList.toggle('dark', dark)
}

export function setTheme(next: Theme): void {
  theme.value = next
  if (next === 'auto') localStorage.removeItem(PLACE)
  else localStorage.setItem(PLACE, next)
  applyTheme()
}

system.addEventListener('change', applyTheme)
