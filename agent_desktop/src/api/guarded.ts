/** How a page asks the server: what is refused stands in words on the page, everything else is thrown. */

import { ref, type Ref } from 'vue'

import { ApiError } from '@/api/http'

export interface Guarded {
  error: Ref<string> // why the last work was refused, '' when it was not
  doing: Ref<string> // the name of the work that goes on, '' for none
  guarded: (work: () => Promise<void>, name?: string) => Promise<void>
}

export function useGuarded(): Guarded {
  const error = ref('')
  const doing = ref('')

  async function guarded(work: () => Promise<void>, name = ''): Promise<void> {
    doing.value = name
    error.value = ''
    try {
      await work()
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem
      error.value = problem.message
    } finally {
      doing.value = ''
    }
  }

  return { error, doing, guarded }
}
