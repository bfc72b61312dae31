/** What each move of an order asks for: its form, what is missing in it, and what is sent. Nothing of the screen is here. */

import type { Course, CourseWords, WholeCase } from '@/api/cases'
import { grouped } from '@/text/time'

export type FieldKind = 'words' | 'days' | 'unit' | 'units' | 'choice' | 'checklist'
export type Value = string | number | boolean | null | string[] | Array<boolean | null>
export type Values = Record<string, Value>

export interface Option {
  value: string | number | boolean
  label: string
}
export interface FormField {
  name: string
  kind: FieldKind
  title: string
  required: boolean
  most?: number // characters, days or units
  options?: Option[]
  hint?: string
  items?: Array<{ item: string; hint: string }> // of a checklist
  beside?: string // asked only when this field holds something
}
export interface Form {
  move: string
  title: string
  fields: FormField[]
  warning?: string // what cannot be taken back
  send: string // what the button says
}

export const SOLVED: Record<string, string> = { yes: '已解决', partly: '部分解决', no: '未解决' }
export const JOINT_RULES: Record<string, string> = { free: '不等协办', until_due: '等协办，逾期不等', all: '协办全部答复后反馈' }
const REASON = 500
const TEXT = 4000
const SPOKEN = 1000
const HAVE_IT: readonly string[] = ['dispatched', 'signed', 'handling']
const OF_LEAD: readonly string[] = ['contact', 'ask_extension', 'return', 'dispute', 'feed_back', 'appeal']
const OF_UNIT: readonly string[] = ['sign', 'note', 'joint_answer']

const RATINGS: readonly string[] = ['rate', 'rate_joined']
/** What takes the order on; the rest stands behind. */
const MAIN: readonly string[] = [
  'sign', 'answer', 'dispatch', 'contact', 'feed_back', 'joint_answer', 'note', 'review', 'rule_return', 'rule_dispute', 'rule_extension', 'rule_appeal', ...RATINGS, 'redo',
]
/** Moves in the order in which an order goes on; what is not here comes last. */
export const FLOW: readonly string[] = [
  ...MAIN, 'plan_visit', 'ask_extension', 'return', 'dispute', 'appeal', 'set_joint', 'correct', 'follow', 'supervise', 'pause', 'resume', 'close', 'archive', 'withdraw',
]
/** The keys of moves by their place. */
export const MOVE_KEYS = '1234567890qwertyuiop'

export function sorted(moves: readonly string[]): string[] {
  const place = (move: string): number => (FLOW.includes(move) ? FLOW.indexOf(move) : FLOW.length)
  return [...moves].sort((one, other) => place(one) - place(other))
}

export interface Group {
  title: string
  moves: string[]
}

/** The moves in groups: what takes the order on, what else may be done, and (for the centre) what units do. */
export function groupsOf(one: WholeCase, ofUnit: boolean): Group[] {
  const proxy = (move: string): boolean => !ofUnit && (OF_LEAD.includes(move) || OF_UNIT.includes(move)) && !(move === 'dispute' && one.course?.lead === '')
  const again = (move: string): boolean => move === 'dispatch' && HAVE_IT.includes(one.course?.state ?? '')
  const all = sorted(one.moves)
  return [
    { title: '主要操作', moves: all.filter((move) => MAIN.includes(move) && !proxy(move) && !again(move)) },
    { title: '其他操作', moves: all.filter((move) => !proxy(move) && (!MAIN.includes(move) || again(move))) },
    { title: '代承办单位', moves: all.filter(proxy) },
  ].filter((group) => group.moves.length > 0)
}

/** What a move is called for this order. */
export function titleOf(move: string, one: WholeCase, words: CourseWords): string {
  if (move === 'dispatch' && HAVE_IT.includes(one.course?.state ?? '')) return '改派'
  return words.moves[move]?.title ?? move
}

/** The form of a move for this order as it stands. */
export function formOf(move: string, one: WholeCase, words: CourseWords): Form {
  const course = one.course
  const title = titleOf(move, one, words)
  const fields = course === null ? [] : [...unitFields(move, one, course), ...(move === 'rate_joined' ? [joinedOf(one)] : []), ...fieldsOf(move, course, words)]
  const form: Form = { move, title, fields, send: title }
  if (move === 'archive') form.warning = '归档后，这张工单不再变动。'
  if (move === 'withdraw') form.warning = '撤单后不能恢复，所有时限终止。'
  if (move === 'plan_visit') form.warning = '由人工回访，列入“待人工回访”。'
  if (move === 'dispatch' && course?.state === 'returned') form.warning = '派给其他单位视为同意退单；派给原单位视为不同意，该单位不能再退。'
  if (move === 'redo') form.warning = '重办会开始新一轮办理，时限重新计算。'
  return form
}

/** Whose rating it is: one of the citizens who joined. */
function joinedOf(one: WholeCase): FormField {
  const joined = one.links.filter((link) => link.kind === 'joined')
  return choice('other', '并单市民', joined.map((link) => ({ value: link.other, label: [link.number, link.contact, grouped(link.phone || link.caller)].filter((part) => part !== '').join(' ') || '未编号' })))
}

/** In whose name: only where there is a choice. */
function unitFields(move: string, one: WholeCase, course: Course): FormField[] {
  if (!OF_UNIT.includes(move)) return []
  const units = partsFor(move, one, course)
  return units.length < 2 ? [] : [choice('unit', '单位', units.map((unit) => ({ value: unit, label: unit === course.lead ? `${unit}（主办）` : `${unit}（协办）` })))]
}

/** The units of the order in whose name this move may be made now. */
export function partsFor(move: string, one: WholeCase, course: Course): string[] {
  const joint = new Map(course.joint.map((unit) => [unit.unit, unit.state]))
  const toSign = course.state === 'dispatched' || course.state === 'redo'
  return one.acts_for.filter((unit) => {
    const state = joint.get(unit)
    if (move === 'sign') return state === undefined ? toSign : state === 'dispatched'
    if (move === 'joint_answer') return state !== undefined && state !== 'dispatched'
    if (move === 'note') return state === undefined ? !toSign : state !== 'dispatched'
    return true
  })
}

function words(name: string, title: string, most: number, required = true, hint?: string): FormField {
  return { name, kind: 'words', title, most, required, ...(hint === undefined ? {} : { hint }) }
}

function choice(name: string, title: string, options: Option[], required = true): FormField {
  return { name, kind: 'choice', title, options, required }
}

const asOptions = (titles: Record<string, string>, but = ''): Option[] => Object.entries(titles).filter(([value]) => value !== but).map(([value, label]) => ({ value, label }))
const MARKS: Option[] = [5, 4, 3, 2, 1].map((mark) => ({ value: mark, label: ['非常不满意', '不满意', '一般', '满意', '非常满意'][mark - 1] ?? '' }))
const yesNo = (yes: string, no: string): Option[] => [{ value: true, label: yes }, { value: false, label: no }]

function unitsAsked(lead: boolean, course: Course): FormField[] {
  return [
    ...(lead ? [{ name: 'lead', kind: 'unit' as const, title: '主办单位', required: true }] : []),
    { name: 'joint', kind: 'units', title: '协办单位', required: false, most: 20, ...(lead ? {} : { hint: `主办单位是 ${course.lead}` }) },
    { ...choice('joint_rule', '协办要求', asOptions(JOINT_RULES)), beside: 'joint' },
  ]
}

function fieldsOf(move: string, course: Course, known: CourseWords): FormField[] {
  switch (move) {
    case 'answer': return [words('text', '答复内容', TEXT, true, '市民得到的答复')]
    case 'dispatch': return [...unitsAsked(true, course), words('reason', HAVE_IT.includes(course.state) ? '改派理由' : '交办意见', REASON, HAVE_IT.includes(course.state))]
    case 'set_joint': return [...unitsAsked(false, course), words('reason', '理由', REASON)]
    case 'rule_dispute': return [...unitsAsked(true, course), words('reason', '裁定理由', REASON)]
    case 'contact': return [words('text', '联系情况', TEXT, false)]
    case 'note': return [words('text', '办理情况', TEXT)]
    case 'joint_answer': return [words('text', '给主办单位的答复', TEXT)]
    case 'feed_back': return [choice('outcome', '办理结论', asOptions(known.outcomes)), words('text', '答复内容', TEXT, true, '审核通过后告知市民')]
    case 'ask_extension': return [{ name: 'days', kind: 'days', title: '延期工作日', required: true, most: 365 }, words('reason', '延期理由', REASON)]
    case 'rule_extension': return [choice('granted', '审批', yesNo('同意延期', '不同意')), words('reason', '审批意见', REASON)]
    case 'return': return [words('reason', '退单理由', REASON, true, '写明不属于本单位职责的依据，以及建议的承办单位')]
    case 'rule_return': return [choice('accepted', '审核', yesNo('同意退单，重新派单', '不同意，由原单位办理')), words('reason', '审核意见', REASON)]
    case 'dispute': return [words('reason', '争议情况', REASON)]
    case 'review': return [{ name: 'checklist', kind: 'checklist', title: '审核清单', required: true, items: known.checklist }, words('reason', '补正要求', REASON, false)]
    case 'rate': case 'rate_joined': return [
      choice('result', '对办理结果', MARKS, false),
      choice('service', '对服务态度', MARKS, false),
      choice('solved', '是否解决', asOptions(SOLVED), false),
      words('words', '市民说', SPOKEN, false),
    ]
    case 'redo': return [words('reason', '重办理由', REASON)]
    case 'appeal': return [words('reason', '申诉理由', REASON)]
    case 'rule_appeal': return [choice('upheld', '审核', yesNo('申诉成立，评价不计入考核', '申诉不成立')), words('reason', '审核意见', REASON)]
    case 'follow': return [words('reason', '跟进要求', REASON, true, '写明要求谁在什么时候做到什么；生成跟进单')]
    case 'supervise': return [choice('level', '督办级别', asOptions(known.supervision, course.supervision)), words('reason', '督办事由', REASON)]
    case 'pause': return [clockChoice(course, known, (clock) => clock.stopped === null && clock.paused_at === null), words('reason', '中止理由', REASON)]
    case 'resume': return [clockChoice(course, known, (clock) => clock.paused_at !== null), words('reason', '恢复理由', REASON)]
    case 'close': return [words('reason', '办结理由', REASON, course.state === 'reviewed' || course.state === 'visiting' || (course.state === 'rated' && (course.rating?.bad ?? false)))]
    case 'withdraw': return [words('reason', '撤单理由', REASON)]
    default: return []
  }
}

function clockChoice(course: Course, known: CourseWords, wanted: (clock: Course['clocks'][number]) => boolean): FormField {
  const options = course.clocks.filter(wanted).map((clock) => ({ value: `${clock.kind}|${clock.unit}`, label: `${known.clocks[clock.kind] ?? clock.kind}${clock.unit ? `（${clock.unit}）` : ''}` }))
  return choice('clock', '时限', options)
}

/** What the form begins with. */
export function begun(form: Form, one: WholeCase): Values {
  const values: Values = {}
  for (const field of form.fields) {
    if (field.kind === 'units') values[field.name] = form.move === 'set_joint' ? (one.course?.joint.map((unit) => unit.unit) ?? []) : []
    else if (field.kind === 'checklist') values[field.name] = (field.items ?? []).map(() => null)
    else if (field.kind === 'days') values[field.name] = 1
    else if (field.name === 'joint_rule') values[field.name] = one.course?.joint_rule ?? 'free'
    else if (field.kind === 'choice') values[field.name] = field.options?.length === 1 ? field.options[0]!.value : null
    else values[field.name] = ''
  }
  return values
}

/** Whether a review's checklist is right line by line; null while a line is open. */
export function passes(lines: Array<boolean | null>): boolean | null {
  if (lines.some((line) => line === null)) return null
  return lines.every((line) => line === true)
}

/** The first thing that is missing: its field and a sentence; null when the form can be sent. */
export function missing(form: Form, values: Values): { name: string; text: string } | null {
  for (const field of form.fields) {
    const value = values[field.name]
    const empty = value === null || value === undefined || (typeof value === 'string' && value.trim() === '') || (Array.isArray(value) && value.length === 0)
    if (field.required && empty) return { name: field.name, text: `请填写“${field.title}”` }
    if (field.kind === 'checklist' && passes(value as Array<boolean | null>) === null) return { name: field.name, text: '请逐项填写审核清单' }
    if (field.kind === 'units' && Array.isArray(value) && (value as string[]).includes(String(values.lead ?? ''))) return { name: field.name, text: '协办单位与主办单位相同' }
  }
  if (form.move === 'review' && passes(values.checklist as Array<boolean | null>) === false && String(values.reason ?? '').trim() === '') {
    return { name: 'reason', text: '有不符合的项目，请写明补正要求' }
  }
  if (RATINGS.includes(form.move) && values.result === null && values.service === null && values.solved === null) {
    return { name: 'result', text: '请至少填写一项评价' }
  }
  return null
}

/** What the server is sent. */
export function fieldsToSend(form: Form, values: Values, one: WholeCase, source?: string): Record<string, unknown> {
  const sent: Record<string, unknown> = {}
  for (const field of form.fields) {
    const value = values[field.name]
    if (field.kind === 'checklist') {
      const lines = value as Array<boolean | null>
      sent.checklist = (field.items ?? []).map((line, place) => ({ item: line.item, ok: lines[place] === true }))
      sent.passed = passes(lines) === true
    } else if (field.name === 'clock') {
      const [kind, unit] = String(value).split('|')
      Object.assign(sent, { kind, unit: unit ?? '' })
    } else if (typeof value === 'string') {
      if (value.trim() !== '' || field.required) sent[field.name] = value.trim()
    } else sent[field.name] = value ?? null
  }
  if (form.move === 'dispatch' && source !== undefined) sent.source = source
  const only = one.course === null ? [] : partsFor(form.move, one, one.course)
  if (OF_UNIT.includes(form.move) && sent.unit === undefined && only.length === 1) sent.unit = only[0]
  if (OF_LEAD.includes(form.move) && one.course !== null && one.course.lead !== '') sent.unit = one.course.lead
  return sent
}
