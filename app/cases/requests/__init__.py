"""申请: what is asked beside a case, and decided in a small case of its own: 延期, 挂账, 剔除, 督办 …"""
