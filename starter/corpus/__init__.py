"""The synthetic English corpus of the starter model: word lists, values, relations and one module a skill."""
