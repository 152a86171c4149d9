# SPDX-License-Identifier: MIT
# The bitstream, by Vivado without a project: vivado -mode batch -source vivado.tcl -tclargs pynq-z1|pynq-z2 [FOLDER]
# Writes twobit.bit, reports and summary.txt to FOLDER (build/bitstream). Fails, without a bitstream, if timing is not met.
set board [lindex $argv 0]
if {$board ni {pynq-z1 pynq-z2}} {
	puts stderr "vivado.tcl: which board? -tclargs pynq-z1|pynq-z2"
	exit 64
}
set here [file dirname [file normalize [info script]]]
set root [file normalize $here/../../..]
set out [expr {$argc > 1 ? [file normalize [lindex $argv 1]] : "$root/build/bitstream"}]
file mkdir $out
foreach {name prefix} {overlay OVERLAY board BOARD} {
	exec awk -v language=verilog -v prefix=$prefix -v name=$name -f $root/assets/overlay/registers.awk \
		$root/assets/$name/registers.txt > $out/$name.vh
}
# The Z1's hot-plug pin is low with a monitor.
set level [expr {$board eq "pynq-z2"}]
set build 00000000
catch {set build [exec git -C $root rev-parse --short=8 HEAD]}

read_verilog [glob $root/assets/overlay/rtl/*.v $root/assets/board/rtl/*.v $here/*.v]
read_xdc $here/pynq.xdc
synth_design -top twobit_top -part xc7z020clg400-1 -include_dirs $out \
	-verilog_define XILINX_PRIMITIVES -verilog_define TWOBIT_MONITOR_LEVEL=$level \
	-verilog_define TWOBIT_BUILD=32'h$build
opt_design
place_design
phys_opt_design
route_design
report_timing_summary -file $out/timing.rpt
report_utilization -file $out/utilization.rpt
report_drc -file $out/drc.rpt
set setup [get_property SLACK [get_timing_paths -setup]]
set hold [get_property SLACK [get_timing_paths -hold]]
set summary [open $out/summary.txt w]
puts $summary "board $board\ncommit $build\nvivado [version -short]\nsetup $setup ns\nhold $hold ns"
close $summary
if {$setup < 0 || $hold < 0} {
	puts stderr "vivado.tcl: timing is not met: setup $setup ns, hold $hold ns; see $out/timing.rpt"
	exit 1
}
write_bitstream -force $out/twobit.bit
