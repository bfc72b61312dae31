/** Every page: its address, who may open it, and where it stands in the navigation. */

import type { Component } from 'vue'

import type { Role } from '@/live/protocol'

export interface Entry {
  name: string // of the route, and of the link's test id: nav-<name>
  path: string // address; may hold parameters
  link: string // where the navigation goes, '' for pages that are reached from others
  title: string // Chinese
  group: '' | '工单' | '班长' | '管理' // '' stands in the bar itself, others in a menu of this name
  roles: readonly Role[] // who may open it
  bare?: boolean // without the frame (a wall, the citizen's page)
  page: () => Promise<Component | { default: Component }>
}

const STAFF: readonly Role[] = ['agent', 'supervisor', 'admin']
const ON_ORDERS: readonly Role[] = ['clerk', 'agent', 'supervisor', 'admin', 'unit', 'leader', 'auditor']
const IN_CHARGE: readonly Role[] = ['supervisor', 'admin']

export const MENU: readonly Entry[] = [
  { name: 'desk', path: '/', link: '/', title: '工作台', group: '', roles: STAFF, page: () => import('./pages/DeskPage.vue') },
  { name: 'work', path: '/work', link: '/work', title: '待办', group: '', roles: STAFF, page: () => import('./pages/WorkPage.vue') },
  { name: 'orders', path: '/orders/:id?', link: '/orders', title: '工单', group: '', roles: ON_ORDERS, page: () => import('./pages/OrdersPage.vue') },
  { name: 'calls', path: '/calls', link: '/calls', title: '通话', group: '', roles: STAFF, page: () => import('./pages/CallsPage.vue') },
  { name: 'transcripts', path: '/transcripts', link: '/transcripts', title: '转写', group: '', roles: STAFF, page: () => import('./pages/TranscriptsPage.vue') },
  { name: 'mine', path: '/my-reviews', link: '/my-reviews', title: '我的质检', group: '', roles: ['agent'], page: () => import('./pages/MyReviewsPage.vue') },
  { name: 'audit', path: '/audit', link: '/audit', title: '审计', group: '工单', roles: ['auditor', 'admin'], page: () => import('./pages/AuditPage.vue') },
  { name: 'dispatch', path: '/dispatch', link: '/dispatch', title: '派单台', group: '工单', roles: ['clerk', 'supervisor', 'admin'], page: () => import('./pages/DispatchPage.vue') },
  { name: 'intake', path: '/intake', link: '/intake', title: '待受理', group: '工单', roles: ['clerk', 'supervisor', 'admin'], page: () => import('./pages/IntakePage.vue') },
  { name: 'leader', path: '/leader', link: '/leader', title: '领导驾驶舱', group: '工单', roles: ['leader', 'supervisor', 'admin'], page: () => import('./pages/LeaderPage.vue') },
  { name: 'inbox', path: '/inbox/:id?', link: '/inbox', title: '收件箱', group: '工单', roles: ['unit', 'clerk', 'supervisor', 'admin'], page: () => import('./pages/InboxPage.vue') },
  { name: 'case', path: '/cases/:id', link: '', title: '工单办理', group: '工单', roles: ON_ORDERS, page: () => import('./pages/CasePage.vue') },
  { name: 'document', path: '/cases/:id/documents/:kind/:n', link: '', title: '四单', group: '工单', roles: ON_ORDERS, bare: true, page: () => import('./pages/CaseDocumentPage.vue') },
  { name: 'assessment', path: '/assessment', link: '/assessment', title: '考核', group: '工单', roles: ['clerk', 'supervisor', 'admin', 'unit', 'leader', 'auditor'], page: () => import('./pages/AssessmentPage.vue') },
  { name: 'supervision', path: '/supervision', link: '/supervision', title: '督办', group: '工单', roles: ['leader', 'supervisor', 'admin'], page: () => import('./pages/SupervisionPage.vue') },
  { name: 'clocks', path: '/clocks', link: '/clocks', title: '时限与日历', group: '工单', roles: ['clerk', 'supervisor', 'admin'], page: () => import('./pages/ClocksPage.vue') },
  { name: 'knowledge', path: '/knowledge', link: '/knowledge', title: '知识库', group: '工单', roles: ['clerk', 'supervisor', 'admin', 'unit'], page: () => import('./pages/KnowledgePage.vue') },
  { name: 'orders-transfer', path: '/orders-transfer', link: '/orders-transfer', title: '导入导出', group: '工单', roles: ['supervisor', 'admin', 'auditor'], page: () => import('./pages/OrdersTransferPage.vue') },
  { name: 'notices', path: '/notices', link: '/notices', title: '通知', group: '工单', roles: ['clerk', 'supervisor', 'admin'], page: () => import('./pages/NoticesPage.vue') },
  { name: 'topics', path: '/topics', link: '/topics', title: '热点与专题', group: '工单', roles: ['clerk', 'leader', 'supervisor', 'admin', 'auditor'], page: () => import('./pages/TopicsPage.vue') },
  { name: 'theme', path: '/themes/:id', link: '', title: '每月一题', group: '工单', roles: ['clerk', 'leader', 'supervisor', 'admin', 'auditor'], bare: true, page: () => import('./pages/ThemePage.vue') },
  { name: 'reviews', path: '/reviews', link: '/reviews', title: '质检抽检', group: '班长', roles: IN_CHARGE, page: () => import('./pages/ReviewsPage.vue') },
  { name: 'floor', path: '/floor', link: '/floor', title: '现场', group: '班长', roles: ['supervisor', 'admin', 'listener'], page: () => import('./pages/FloorPage.vue') },
  { name: 'blocked', path: '/blocked', link: '/blocked', title: '来电名单', group: '班长', roles: IN_CHARGE, page: () => import('./pages/BlockedPage.vue') },
  { name: 'templates', path: '/templates', link: '/templates', title: '工单模板', group: '班长', roles: IN_CHARGE, page: () => import('./pages/TemplatesPage.vue') },
  { name: 'quality', path: '/quality', link: '/quality', title: '填单准确率', group: '班长', roles: IN_CHARGE, page: () => import('./pages/QualityPage.vue') },
  { name: 'reports', path: '/reports', link: '/reports', title: '报表', group: '班长', roles: IN_CHARGE, page: () => import('./pages/ReportsPage.vue') },
  { name: 'wallboard', path: '/wallboard', link: '/wallboard', title: '大屏', group: '班长', roles: IN_CHARGE, page: () => import('./pages/WallboardPage.vue') },
  { name: 'breaks', path: '/breaks', link: '/breaks', title: '未达标来电', group: '班长', roles: IN_CHARGE, page: () => import('./pages/BreaksPage.vue') },
  { name: 'alerts', path: '/alerts', link: '/alerts', title: '告警与公告', group: '班长', roles: IN_CHARGE, page: () => import('./pages/AlertsPage.vue') },
  { name: 'wall', path: '/wall', link: '', title: '投屏', group: '班长', roles: IN_CHARGE, bare: true, page: () => import('./pages/WallPage.vue') },
  { name: 'dispatch-figures', path: '/dispatch/figures', link: '/dispatch/figures', title: '派单质量', group: '工单', roles: ['clerk', 'supervisor', 'admin'], page: () => import('./pages/DispatchFiguresPage.vue') },
  { name: 'units', path: '/units', link: '/units', title: '单位与规则', group: '管理', roles: IN_CHARGE, page: () => import('./pages/UnitsPage.vue') },
  { name: 'accounts', path: '/accounts', link: '/accounts', title: '账号与技能', group: '管理', roles: IN_CHARGE, page: () => import('./pages/AccountsPage.vue') },
  { name: 'api', path: '/api-access', link: '/api-access', title: '接口', group: '管理', roles: ['admin'], page: () => import('./pages/ApiPage.vue') },
  { name: 'config', path: '/config/:kind?', link: '/config', title: '配置', group: '管理', roles: IN_CHARGE, page: () => import('./pages/admin/ConfigPage.vue') },
  { name: 'prompts', path: '/prompts', link: '/prompts', title: '语音', group: '管理', roles: IN_CHARGE, page: () => import('./pages/admin/PromptsPage.vue') },
  { name: 'changes', path: '/changes', link: '/changes', title: '变更记录', group: '管理', roles: ['admin'], page: () => import('./pages/admin/ChangesPage.vue') },
  { name: 'settings', path: '/settings', link: '/settings', title: '设置', group: '管理', roles: ['admin'], page: () => import('./pages/admin/SettingsPage.vue') },
]

/** Who works with orders alone finds their pages in the bar itself. */
const OFFICES: readonly Role[] = ['clerk', 'unit', 'leader', 'auditor']

/** The pages that a person with this role finds in the navigation, by group. */
export function menuOf(role: Role | undefined): Map<Entry['group'], Entry[]> {
  const groups = new Map<Entry['group'], Entry[]>()
  for (const entry of MENU) {
    if (entry.link === '' || role === undefined || !entry.roles.includes(role)) continue
    const group = entry.group === '工单' && OFFICES.includes(role) ? '' : entry.group
    groups.set(group, [...(groups.get(group) ?? []), entry])
  }
  return groups
}

/** Where a person with this role begins: their own work comes before the list of all orders. */
export function homeOf(role: Role | undefined): string {
  return MENU.find((entry) => entry.link !== '' && entry.name !== 'orders' && role !== undefined && entry.roles.includes(role))?.link ?? '/login'
}
