"""The closed loop of accepted orders: who moves them, who sees them, what watches and tells of them."""
