# SPDX-License-Identifier: MIT
# PYNQ-Z1 and PYNQ-Z2 alike (Digilent's and TUL's base.xdc).
set_property CFGBVS VCCO [current_design]
set_property CONFIG_VOLTAGE 3.3 [current_design]

# HDMI out: clock, red (data 2), green (data 1), blue with the syncs (data 0)
set_property -dict {PACKAGE_PIN L16 IOSTANDARD TMDS_33} [get_ports {hdmi_p[3]}]
set_property -dict {PACKAGE_PIN L17 IOSTANDARD TMDS_33} [get_ports {hdmi_n[3]}]
set_property -dict {PACKAGE_PIN J18 IOSTANDARD TMDS_33} [get_ports {hdmi_p[2]}]
set_property -dict {PACKAGE_PIN H18 IOSTANDARD TMDS_33} [get_ports {hdmi_n[2]}]
set_property -dict {PACKAGE_PIN K19 IOSTANDARD TMDS_33} [get_ports {hdmi_p[1]}]
set_property -dict {PACKAGE_PIN J19 IOSTANDARD TMDS_33} [get_ports {hdmi_n[1]}]
set_property -dict {PACKAGE_PIN K17 IOSTANDARD TMDS_33} [get_ports {hdmi_p[0]}]
set_property -dict {PACKAGE_PIN K18 IOSTANDARD TMDS_33} [get_ports {hdmi_n[0]}]
set_property -dict {PACKAGE_PIN R19 IOSTANDARD LVCMOS33} [get_ports hdmi_hot_plug]

# FCLK0. The pixel clocks are derived from it, but share no phase with it that we rely on: what crosses goes through
# twobit_sync or stands still meanwhile.
create_clock -period 10.000 -name clock [get_pins {processors/FCLKCLK[0]}]
set_clock_groups -asynchronous \
	-group [get_clocks clock] \
	-group [get_clocks -of_objects [get_pins {clocks/of_1280x720/CLKOUT0 clocks/of_1280x720/CLKOUT1}]] \
	-group [get_clocks -of_objects [get_pins {clocks/of_640x480/CLKOUT0 clocks/of_640x480/CLKOUT1}]]
set_false_path -from [get_ports hdmi_hot_plug]
