"""How agents reach servers: messages and event streams judged by the rules, and which addresses may be reached."""
