"""How a finding is shown again: a command of the suite's, and a stand-alone script that needs none of it."""
