# Matches, substitutions and a hash over a text.
my (%count, $links, $changed);
for my $round (1 .. 2) {
    open(my $text, '<', '/bench/text-1m') or die;
    while (my $line = <$text>) {
        $links++ if $line =~ /\b(\w+)ing\s+(?:the|a)\s+\w*([aeiou])\w+\b/;
        $changed += $line =~ s/([a-m])([n-z])/$2$1/g;
        $count{lc $1}++ if $line =~ /(\w{5,})\W*$/;
    }
}
print "$links $changed ", scalar(keys %count), "\n";
