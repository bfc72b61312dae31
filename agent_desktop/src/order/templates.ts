/** What a template puts into an order: only where nothing stands yet, and never over what a person typed. Pure. */

import type { Template } from '@/api/desk'
import type { FieldView, OrderField } from '@/live/protocol'

export interface Filled {
  field: OrderField
  value: string
}

/**
 * The fields that `template` fills. A field with a person's value stays; a machine's value of a choice (type, urgency)
 * gives way, a machine's text stays, too, and the template's text is put before it.
 */
export function filled(template: Template, shown: (field: OrderField) => string, view: (field: OrderField) => FieldView | undefined): Filled[] {
  const found: Filled[] = []
  for (const [name, value] of Object.entries(template.fields) as Array<[OrderField, string]>) {
    const standing = shown(name)
    if (value === '' || standing.includes(value)) continue
    if (standing === '') found.push({ field: name, value })
    else if (view(name)?.filler !== 'machine') continue
    else if (name === 'summary') found.push({ field: name, value: `${value}\n${standing}` })
    else if (name === 'type' || name === 'urgency') found.push({ field: name, value })
  }
  return found
}

/** Whether a template is meant for an order of this category. */
export function fits(template: Template, category: string): boolean {
  return template.category === '' || category === template.category || category.startsWith(`${template.category}/`)
}

/** Those that fit first, the others after them. */
export function ordered(templates: readonly Template[], category: string): Template[] {
  const own = templates.filter((one) => one.category !== '' && fits(one, category))
  return [...own, ...templates.filter((one) => !own.includes(one))]
}
