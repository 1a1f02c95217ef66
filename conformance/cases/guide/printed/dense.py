keras.layers.Dense(units=1, inputShape=[1])
