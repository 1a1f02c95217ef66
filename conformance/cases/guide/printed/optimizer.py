my_sgd = keras.optimizers.sgd(lr=0.2)
