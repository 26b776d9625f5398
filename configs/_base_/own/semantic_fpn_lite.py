_base_ = ['../models/semantic_fpn_lite.py', './semantic.py']
