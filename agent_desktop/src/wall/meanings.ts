/** Every figure on the wall with the key of its definition, by the panel that it stands in. */

export interface Section {
  key: string
  title: string
  figures: ReadonlyArray<{ key: string; as?: string }> // `as`: what the wall calls it, where that is not the definition's title
}

export const SECTIONS: readonly Section[] = [
  {
    key: 'tiles', title: '上方各数',
    figures: [
      { key: 'live.waiting' }, { key: 'live.longest_wait_s' }, { key: 'connection_rate', as: '24 小时接通率' }, { key: 'service_level', as: '15 秒接听率' },
      { key: 'answered_in_time', as: '15 秒内接听' }, { key: 'calls_in', as: '今日呼入' }, { key: 'offered', as: '请求人工' }, { key: 'answered', as: '今日接通' },
      { key: 'answer_rate', as: '接通率' }, { key: 'abandoned', as: '今日放弃' }, { key: 'abandoned_short', as: '其中短时' }, { key: 'speed_of_answer', as: '平均应答' },
      { key: 'longest_wait', as: '最长（今日）' }, { key: 'live.urgent_open', as: '紧急工单' }, { key: 'live.bursts' },
    ],
  },
  {
    key: 'queues', title: '各技能',
    figures: [
      { key: 'live.waiting', as: '排队' }, { key: 'live.longest_wait_s', as: '最长' }, { key: 'live.agents_ready', as: '示闲' }, { key: 'live.agents_talking', as: '通话' },
      { key: 'answer_rate', as: '接通率（今日该技能）' }, { key: 'service_level', as: '15 秒（今日该技能）' },
      { key: 'service_level_perf', as: '服务水平 Perf' }, { key: 'service_level_perf2', as: '服务水平 Perf2' }, { key: 'average_abandon', as: '平均放弃等待' },
    ],
  },
  {
    key: 'agents', title: '坐席',
    figures: [
      { key: 'live.agents_signed_in', as: '签入' }, { key: 'live.agents_ready', as: '示闲' }, { key: 'live.agents_ringing', as: '振铃' }, { key: 'live.agents_talking', as: '通话' },
      { key: 'live.agents_wrap_up', as: '整理' }, { key: 'live.agents_reserved', as: '预占' }, { key: 'live.agents_not_ready', as: '示忙' }, { key: 'board.agent_longest' }, { key: 'board.reasons' },
    ],
  },
  { key: 'day', title: '今日来电（每半小时）', figures: [{ key: 'board.interval_offered', as: '每半小时来电' }, { key: 'board.interval_answered', as: '接通与未接通' }, { key: 'board.forecast', as: '预测' }] },
  { key: 'districts', title: '各区工单（今日）', figures: [{ key: 'board.districts' }] },
  { key: 'breaks', title: '24 小时未达标来电', figures: [{ key: 'rule_breaks', as: '未达标来电' }, { key: 'board.break_wait', as: '等待' }] },
  { key: 'topics', title: '热点事项（今日）', figures: [{ key: 'board.topics' }, { key: 'board.topic_usual' }] },
  {
    key: 'foot', title: '底部各数',
    figures: [
      ...['waiting', 'reserved', 'dialling', 'reached', 'by_hand', 'done', 'given_up', 'withdrawn'].map((state) => ({ key: `board.callbacks.${state}` })),
      ...['planned', 'due', 'dialling', 'talking', 'answered', 'given_up', 'cancelled'].map((state) => ({ key: `board.visits.${state}` })),
      { key: 'board.health' }, { key: 'live.behind_s' },
    ],
  },
]
