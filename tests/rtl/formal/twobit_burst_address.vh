// SPDX-License-Identifier: MIT
// The three kinds of bursts, as AXI's specification draws them; those that wrap for whole words.
wire [29:0] aligned = size == 2'd0 ? at : size == 2'd1 ? {at[29:1], 1'b0} : {at[29:2], 2'b00};
wire wraps = burst == WRAP && size == 2'd2;

always @(*) begin
	if (burst == FIXED)
		assert (next == at);
	if (burst == 2'd1 && size <= 2'd2)
		assert (next == aligned + (size == 2'd0 ? 30'd1 : size == 2'd1 ? 30'd2 : 30'd4));
	if (wraps && length == 4'd1)
		assert (next == {at[29:3], ~at[2], 2'b00});
	if (wraps && length == 4'd3)
		assert (next == {at[29:4], at[3:2] + 2'd1, 2'b00});
	if (wraps && length == 4'd7)
		assert (next == {at[29:5], at[4:2] + 3'd1, 2'b00});
	if (wraps && length == 4'd15)
		assert (next == {at[29:6], at[5:2] + 4'd1, 2'b00});
end
