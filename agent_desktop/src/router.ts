import { createRouter, createWebHistory } from 'vue-router'

import { useSession } from './stores/session'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/login', name: 'login', component: () => import('./pages/LoginPage.vue'), meta: { open: true, title: '登录' } },
    { path: '/', name: 'desk', component: () => import('./pages/DeskPage.vue'), meta: { title: '工作台' } },
    { path: '/orders/:id?', name: 'orders', component: () => import('./pages/OrdersPage.vue'), meta: { title: '工单' } },
    {
      path: '/transcripts',
      name: 'transcripts',
      component: () => import('./pages/TranscriptsPage.vue'),
      meta: { title: '通话转写' },
    },
    {
      path: '/quality',
      name: 'quality',
      component: () => import('./pages/QualityPage.vue'),
      meta: { title: '质检', roles: ['supervisor', 'admin'] },
    },
    { path: '/calls', name: 'calls', component: () => import('./pages/CallsPage.vue'), meta: { title: '通话记录' } },
    {
      path: '/accounts',
      name: 'accounts',
      component: () => import('./pages/AccountsPage.vue'),
      meta: { title: '账号', roles: ['admin'] },
    },
    { path: '/:anything(.*)*', redirect: { name: 'desk' } },
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
  if (roles !== undefined && !roles.includes(session.person?.role ?? '')) return { name: 'desk' }
  return true
})
