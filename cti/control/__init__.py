"""Call control: the shell around flow engine, router and order lifecycle.

`floor.CallFloor` composes the parts: `calls` (the registry), `line` (one citizen's AGI session),
`dispatch` (the router and its live state), `phones` (which telephone is where), `taps` and `captions`
(live words), `orderdesk` (drafts), `recovery` (what Asterisk says against what we remember).
"""
