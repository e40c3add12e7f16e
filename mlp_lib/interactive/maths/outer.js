// The gradient of the weights of one layer, [to][from]: error of the receiver times activation of the sender.
export const weightGrad = (delta, a) => delta.map((d) => a.map((v) => d * v));
