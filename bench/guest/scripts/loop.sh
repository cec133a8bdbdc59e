# Arithmetic, arrays, strings and patterns of the shell.
declare -a seen
total=0
for ((i = 0; i < 60000; i++)); do
  seen[i % 97]=$((i * 7 % 1009))
  word=item-$i
  case $word in
    *7) total=$((total + seen[i % 97])) ;;
    *) total=$((total + ${#word})) ;;
  esac
done
echo "$total"
