"""巡检: what an inspector would look for in every case, looked for every few minutes.

A rule (bpmn/_inspection.yaml) says what is wrong; a finding is one case to which it applies. It opens and
closes by itself.
"""
