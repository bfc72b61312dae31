"""Call control: the shell around flow engine, router and order lifecycle.

`floor.CallFloor` composes the parts: `calls` (the registry), `line` (one citizen's AGI session),
`switchboard` (which line holds which call), `telephony` (AMI), `commands` and `views` (of agents' pages),
`dispatch` (the router and its live state), `phones` (which telephone is where), `taps` and `captions`
(live words), `orderdesk` (drafts), `recovery` (what Asterisk says against what we remember).
"""
