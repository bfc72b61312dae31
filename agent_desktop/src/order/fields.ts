/** What each field of a work order is called on the desk and how it is typed; limits as in `orders/fields.py`. */

import type { OrderField } from '@/live/protocol'

export interface FieldSpec {
  name: OrderField
  title: string
  limit: number // characters
  choices?: readonly string[] // only these may stand
  required?: boolean // the order cannot be submitted without
  wide?: boolean // takes the whole width of the form
  third?: boolean // three of these share a row
  rows?: number // of text
}

export const FIELDS: readonly FieldSpec[] = [
  { name: 'type', title: '诉求类型', limit: 10, choices: ['咨询', '求助', '投诉', '举报', '建议', '表扬'], required: true },
  { name: 'urgency', title: '紧急程度', limit: 10, choices: ['一般', '紧急', '特急'] },
  { name: 'category', title: '事项分类', limit: 100, required: true },
  { name: 'time', title: '发生时间', limit: 100 },
  { name: 'district', title: '区县', limit: 50 },
  { name: 'street', title: '街道', limit: 50 },
  { name: 'place', title: '地点', limit: 300 },
  { name: 'detail', title: '详细地址', limit: 200 },
  { name: 'subject', title: '被诉对象', limit: 100 },
  { name: 'unit', title: '承办单位', limit: 100 },
  { name: 'contact', title: '联系人', limit: 50, third: true },
  { name: 'phone', title: '联系电话', limit: 40, third: true },
  { name: 'contact_by', title: '联系方式', limit: 10, choices: ['电话', '仅文字'], third: true },
  { name: 'title', title: '标题', limit: 100, wide: true },
  { name: 'summary', title: '诉求内容', limit: 4000, required: true, wide: true, rows: 5 },
]

/** Told beside other fields instead of in boxes of their own. */
export const MOOD: FieldSpec = { name: 'mood', title: '情绪', limit: 10, choices: ['平静', '焦急', '不满', '愤怒'] }

/** Fields whose title a sentence of the server names, so that the form can point at them. */
export function named(sentence: string): OrderField[] {
  return FIELDS.filter((field) => sentence.includes(field.title)).map((field) => field.name)
}

/** Required fields that are empty. */
export function missing(value: (name: OrderField) => string): FieldSpec[] {
  return FIELDS.filter((field) => field.required && value(field.name).trim() === '')
}
