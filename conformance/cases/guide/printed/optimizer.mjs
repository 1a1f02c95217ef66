const mySGD = tf.train.sgd({lr: 0.2});
