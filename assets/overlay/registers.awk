# SPDX-License-Identifier: MIT
# Makes of a registers.txt the driver's header (-v language=c) or the Verilog include (-v language=verilog); its name and
# prefix are the design's. To the driver a field lies in its word, to the Verilog in the whole descriptor.
function comment(from,    i, text) {
	text = ""
	for (i = from; i <= NF; i++)
		text = text (i > from ? " " : "") $i
	return text
}

function define(name, value, text) {
	if (language == "c")
		printf "#define %s_%s %s%s\n", prefix, name, value, text == "" ? "" : " /* " text " */"
	else
		printf "`define %s_%s %s\n", prefix, name, value
}

# A number as Verilog writes it.
function number(value) {
	if (language == "verilog" && value ~ /^0x/)
		return "'h" substr(value, 3)
	return value
}

BEGIN {
	if (language == "c") {
		print "/* SPDX-License-Identifier: MIT */"
		printf "/* Made from assets/%s/registers.txt. */\n", name
		printf "#ifndef %s_REGISTERS_H\n#define %s_REGISTERS_H\n\n", prefix, prefix
	} else {
		printf "// SPDX-License-Identifier: MIT\n// Made from assets/%s/registers.txt.\n", name
		printf "`ifndef %s_REGISTERS\n`define %s_REGISTERS\n", prefix, prefix
	}
}

/^#/ || NF == 0 { next }

$1 == "constant" { define($2, number($3), comment(4)); next }
$1 == "register" { define("REG_" $2, language == "c" ? $3 : "12" number($3), $4 ": " comment(5)); next }
$1 == "word" {
	first_bit[$2] = 32 * $3
	if (language == "c")
		define("WORD_" $2, $3, comment(4))
	next
}
$1 == "record" { next }

$1 == "field" {
	split($4, range, ":")
	width = range[1] - range[2] + 1
	if (width < 1 || range[1] !~ /^[0-9]+$/ || range[2] !~ /^[0-9]+$/) {
		print "registers.txt:" NR ": bad range " $4 > "/dev/stderr"
		exit 1
	}
	if (language == "c") {
		define($2 "_" $3 "_SHIFT", range[2], comment(5))
		define($2 "_" $3 "_BITS", width, "")
	} else
		define("F_" $2 "_" $3, range[1] + first_bit[$2] ":" range[2] + first_bit[$2], "")
	next
}

{
	print "registers.txt:" NR ": what is " $1 "?" > "/dev/stderr"
	exit 1
}

END { print language == "c" ? "\n#endif" : "`endif" }
