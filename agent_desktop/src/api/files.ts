import { ask, fetchFile } from './http'

/** 附件: the files of an order. */

export interface OrderFile {
  attachment_id: string
  name: string
  kind: string
  size: number // bytes
  who: string // login, citizen, or api:<token>
  at: number
  state: 'waiting' | 'clean' | 'unscanned' | 'infected'
  open: boolean // false: not for who asks, or not without a reason
}

export interface OrderFiles {
  attachments: OrderFile[]
  may_unmask: boolean // a reason opens those that are not open
}

const path = (order_id: string): string => `/api/orders/${encodeURIComponent(order_id)}/attachments`

export const getFiles = (order_id: string): Promise<OrderFiles> => ask('GET', path(order_id))

export const readFile = (order_id: string, id: string): Promise<Blob> => fetchFile(`${path(order_id)}/${encodeURIComponent(id)}`)

export const removeFile = (order_id: string, id: string, reason: string): Promise<unknown> =>
  ask('DELETE', `${path(order_id)}/${encodeURIComponent(id)}`, { body: { reason } })

export function addFile(order_id: string, file: File): Promise<OrderFile> {
  const form = new FormData()
  form.append('file', file)
  return ask('POST', path(order_id), { form })
}
