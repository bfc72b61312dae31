import { createRouter, createWebHistory } from 'vue-router'

import { homeOf, MENU } from './menu'
import { useSession } from './stores/session'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/login', name: 'login', component: () => import('./pages/LoginPage.vue'), meta: { open: true, title: '登录' } },
    { path: '/citizen', name: 'citizen', component: () => import('./pages/CitizenPage.vue'), meta: { open: true, bare: true, title: '网上服务', heading: '12345 政务服务便民热线' } },
    { path: '/ask', name: 'ask', component: () => import('./pages/AskPage.vue'), meta: { open: true, bare: true, title: '办事问答', heading: '12345 政务服务便民热线' } },
    ...MENU.map(({ name, path, page, title, roles, bare }) => ({ path, name, component: page, meta: { title, roles, bare: bare === true } })),
    { path: '/:anything(.*)*', redirect: '/' },
  ],
})

router.beforeEach(async (to) => {
  const session = useSession()
  if (to.meta.open) return true
  let known = false
  try {
    known = await session.restore()
  } catch {
    return { name: 'login', query: { next: to.fullPath, down: '1' } } // the server is not there; the login page says so
  }
  if (!known) return { name: 'login', query: to.name === 'desk' ? {} : { next: to.fullPath } }
  const roles = to.meta.roles as readonly string[] | undefined
  if (roles !== undefined && !roles.includes(session.person?.role ?? '')) return homeOf(session.person?.role)
  return true
})
