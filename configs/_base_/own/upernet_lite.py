_base_ = ['../models/upernet_lite.py', './semantic.py']
