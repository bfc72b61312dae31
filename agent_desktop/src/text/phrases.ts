/** Sentences that are written again and again to citizens. */

export const phrases: readonly string[] = [
  '您好，请问有什么可以帮您？',
  '请您写下事情发生的地点（区、街道、小区或路口）。',
  '请问是什么时候发生的？',
  '请留下您的称呼和联系方式，办理结果会通知您。',
  '请稍等，我为您查询一下。',
  '您反映的情况已登记，会转给承办单位处理。',
  '请问还有其他需要帮助的吗？',
  '感谢您的来访，祝您生活愉快，再见。',
]
