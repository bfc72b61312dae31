/** A WebSocket that does what the test says, and notes what the page does. */
export class FakeSocket {
  static readonly OPEN = 1
  static all: FakeSocket[] = []
  readyState = 0
  sent: Record<string, unknown>[] = []
  closedWith: number | undefined
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: (() => void) | null = null

  constructor(readonly url: string) {
    FakeSocket.all.push(this)
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }

  close(code?: number): void {
    this.closedWith = code
  }

  opens(): void {
    this.readyState = FakeSocket.OPEN
    this.onopen?.()
  }

  says(seq: number, type: string, more: object = {}): void {
    this.onmessage?.({ data: JSON.stringify({ seq, type, ...more }) })
  }

  breaks(): void {
    this.readyState = 3
    this.onclose?.()
  }

  get asked(): unknown[] {
    return this.sent.map((message) => message.type)
  }
}
