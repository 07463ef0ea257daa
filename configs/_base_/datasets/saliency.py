# Still images with one foreground mask: parts of a training, see davis2016_saliency.py.
#   data/MSRA10K/MSRA10K_Imgs_GT/Imgs/<name>.{jpg,png}                 https://mmcheng.net/msra10k/
#   data/DUT-OMRON/{DUT-OMRON-image/<name>.jpg,pixelwiseGT-new-PNG/<name>.png}
#                                                                      http://saliencydetection.net/dut-omron/
#   data/DUTS/DUTS-TR/{DUTS-TR-Image/<name>.jpg,DUTS-TR-Mask/<name>.png}   http://saliencydetection.net/duts/
msra10k = dict(type='MSRA10KDataset', data_root='data/MSRA10K')
dut_omron = dict(type='DUTOMRONDataset', data_root='data/DUT-OMRON')
duts = dict(type='DUTSDataset', data_root='data/DUTS')
